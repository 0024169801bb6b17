"""How much of the mark is left in each band of a frame, told without a codeword."""

import numpy as np

from watermark.video.symbols import OWN, FrameSymbols

SLICES = 400
PRECISION = 50.0


def frame(amplitudes, excess):
    """Symbols of a frame whose bands hold the mark at these amplitudes, in noise so many times the nominal."""
    rng = np.random.default_rng(2)
    bits = rng.choice([-1.0, 1.0], SLICES)
    a, k = (np.asarray(x)[None, :, None, None] for x in (amplitudes, excess))
    energies = np.full((2, len(amplitudes), 2, SLICES), PRECISION / 2)
    noise = rng.standard_normal(energies.shape) * np.sqrt(k * energies)
    return FrameSymbols(a * energies * bits + noise, energies, 1.0)


def test_amplitude_and_noise_of_each_band_are_told_apart():
    amplitude, excess = frame([0.5, 0.8, 0.3], [9.0, 1.0, 2.0]).survival(OWN)
    assert np.allclose(amplitude, [0.5, 0.8, 0.3], rtol=0.25)
    assert np.allclose(excess, [9.0, 1.0, 2.0], rtol=0.25)


def test_a_frame_that_lost_the_mark_weighs_little():
    kept, lost = (frame([a], [1.0]).survival(OWN)[0] for a in (0.8, 0.0))
    assert lost[0] < 0.2 * kept[0]
