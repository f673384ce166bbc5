"""What the report did to HAM10000, and what leaked between its sides."""
