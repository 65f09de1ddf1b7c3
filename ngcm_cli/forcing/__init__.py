"""Sea-surface temperature and sea ice in time."""
