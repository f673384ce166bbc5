"""One picture and what networks say of it, as a PDF for the file."""
