"""The page of `attrax-vot explore`: a workspace's scores, curves and frames in a browser, on loopback."""
