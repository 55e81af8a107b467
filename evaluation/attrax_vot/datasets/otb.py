"""OTB's own oddities: which folders hold several targets, and which frames of a video are annotated.

Folders and files are as their authors distribute them; the ranges are those of their evaluation code. They count by
the number in a frame's file name. File names of five digits (`Board`) and boxes separated by commas, tabs or spaces
are read as they are found.
"""

import re

# Folders with more than one annotation file: the sequence's name and its file.
TARGETS = {
    "Jogging": {"Jogging-1": "groundtruth_rect.1.txt", "Jogging-2": "groundtruth_rect.2.txt"},
    "Skating2": {"Skating2-1": "groundtruth_rect.1.txt", "Skating2-2": "groundtruth_rect.2.txt"},
    # Its first annotation file is empty.
    "Human4": {"Human4-2": "groundtruth_rect.2.txt"},
}

# First and last annotated frame.
RANGES = {
    "BlurCar1": (247, 988),
    "BlurCar3": (3, 359),
    "BlurCar4": (18, 397),
    "David": (300, 770),
    "Diving": (1, 215),
    "Football1": (1, 74),
    "Freeman3": (1, 460),
    "Freeman4": (1, 283),
}

# Annotated frames at the beginning that OTB's code leaves out: trackers start after them.
OMITTED = {"Tiger1": 5}

# The sequences of OTB-2013.
OTB2013 = frozenset(
    re.findall(
        r"\S+",
        """
        Basketball Bolt Boy Car4 CarDark CarScale Coke Couple Crossing David David2 David3 Deer Dog1 Doll Dudek FaceOcc1
        FaceOcc2 Fish FleetFace Football Football1 Freeman1 Freeman3 Freeman4 Girl Ironman Jogging-1 Jogging-2 Jumping
        Lemming Liquor Matrix Mhyang MotorRolling MountainBike Shaking Singer1 Singer2 Skating1 Skiing Soccer Subway Suv
        Sylvester Tiger1 Tiger2 Trellis Walking Walking2 Woman
        """,
    )
)
