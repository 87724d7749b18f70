"""Benchmarks, run by `make bench`: ratios to bare SQL that writes the same rows on the same server in the same run."""
