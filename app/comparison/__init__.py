"""The parts of the Compare page: two measured runs on one data set, side by side."""
