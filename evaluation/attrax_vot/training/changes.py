"""Changes of crops that a target may undergo in a video: of colours, motion blur, something in front of it."""

import numpy as np
from PIL import Image, ImageFilter


def changed(random: np.random.Generator, crop: np.ndarray, other: np.ndarray, share: float) -> np.ndarray:
    """A crop, perhaps of other colours, blurred along its rows or columns, or with a part of another crop on it.

    Args:
        random: draws whether each of the three changes is made, and how.
        crop: (side, side, 3) uint8, RGB; it stays as it is.
        other: the crop of the same shape that a part is taken of.
        share: the probability of each change.

    Returns:
        The changed crop, or `crop` itself.
    """
    result, side = crop, len(crop)
    if random.random() < share:
        colours = crop * random.uniform(0.8, 1.25, 3) + random.uniform(-20, 20, 3)
        result = np.clip(colours, 0, 255).astype(np.uint8)
    if random.random() < share:
        reach = int(random.integers(1, 7))
        blur = ImageFilter.BoxBlur((reach, 0) if random.random() < 0.5 else (0, reach))
        result = np.asarray(Image.fromarray(result).filter(blur))
    if random.random() < share:
        sides = random.integers(side // 10, side // 3, 2)
        from_, to = random.integers(0, side - sides), random.integers(side // 5, side * 4 // 5 - sides // 2)
        to = np.minimum(to, side - sides)
        result = result.copy()
        result[to[0] : to[0] + sides[0], to[1] : to[1] + sides[1]] = other[
            from_[0] : from_[0] + sides[0], from_[1] : from_[1] + sides[1]
        ]
    return result
