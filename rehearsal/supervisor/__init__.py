"""One daemon owns every process of a stage; commands talk to it through files and signals."""
