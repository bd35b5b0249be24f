"""The exchange of a site: its gates tell it marks of documents, and it says where else the same one was told within minutes. Off unless a law is
named.
"""
