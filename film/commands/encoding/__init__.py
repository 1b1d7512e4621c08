"""What `film encode` consists of: which texts belong together, the work, and the files it writes."""
