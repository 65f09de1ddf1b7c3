"""Tropical cyclones: detection, tracks and their verification.

`find` is the way in. For one dataset `cyclone_fields` chooses what is searched,
`detection` finds cyclones at one time with `closed_contour` on a `horizontal_grid`, and
`stitching` joins them. `track_dataset` and `track_file` hold and store tracks,
`track_error` compares them with a `best_track`, and `strike_probability` maps those of
an ensemble.
"""
