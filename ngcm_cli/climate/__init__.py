"""Long runs under a prescribed sea: what they do, day by day.

`plan` checks what a run will do, `beginnings` reads what it starts from, `days` is the
loop, `watchdog` says when a run has become unstable, `restarts` how it goes on, `status`
how far it is. How fields are averaged is in `gcm`, how they are written in `output`.
"""
