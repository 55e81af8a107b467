"""Training of the network's last blocks, fc4 and fc5 on videos, as MDNet does (Nam & Han, CVPR 2016, section 3)."""
