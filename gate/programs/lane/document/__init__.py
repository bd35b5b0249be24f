"""The document child: reads and judges one crossing's document; its end erases the document."""
