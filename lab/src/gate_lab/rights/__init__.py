"""What travellers may ask of the controller: the book of their cases, and the answers that give nothing away. Pure but for the book's file."""
