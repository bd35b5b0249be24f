"""What every program of Portcullis may use. Needs no image library, no inference library and no driver; imports nothing else of ours."""
