"""Files and network, nothing of weather: locks, atomic writes, caches, transfers."""
