"""Long runs under a prescribed sea: what they do, day by day.

`plan` checks what a run will do, `beginnings` reads what it starts from, `sea_windows`
keeps the sea of the time, `days` runs the model, `course` is the loop, with `records`
for what it writes, `watchdog` for when a run has become unstable and `restarts` for how
it goes on, with `identity` for what must be the same then; `folder` is where it all
lies, and `status` reads it. How fields are averaged is in `gcm`, what stores hold in
`output`.
"""
