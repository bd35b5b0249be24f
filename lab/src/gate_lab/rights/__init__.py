"""Travellers' requests to the controller: the book of cases, and answers that reveal nothing about a referral. Pure except the book's file."""
