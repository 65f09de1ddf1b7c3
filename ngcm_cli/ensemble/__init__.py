"""Many members of one forecast: planned, run in blocks, summed up, resumed, spread."""
