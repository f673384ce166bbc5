"""Is a data set on this disk what its release says? Found out file by file, kept as a report."""
