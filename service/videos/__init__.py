"""Unreleased videos: prepared segment by segment, delivered by choosing slices, read back as clips and as frames.

Everything that a picture goes through, a video goes through by the same rows, states and routes: an asset of the kind
`video` is received by :mod:`service.assets.service` and traced by :mod:`service.sightings.work`. What is different is
here: `content` tells the two apart; `models`, `work` and `pixels` prepare; `lending` is how a worker without keys gets
at the parts; `store` and `films` open what was prepared; `delivery` and `routes` hand it out; `reading` reads leaks.
"""
