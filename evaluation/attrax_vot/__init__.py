"""Runs VOT experiments on attrax with the official toolkit, and shows what came out.

The toolkit does the experiment and the analyses; this package prepares its workspaces, drives it so that a
run can be interrupted at any point and taken up again, and turns its analyses into tables and pictures.
"""

__version__ = "0.2.0"
