"""Weights of the backbone: from the files that people have to the one that `attrax --weights` takes.

`attrax-vot weights convert | inspect | fetch`. No file's code is ever executed: pickles are read by
`torch.load(weights_only=True)`, MATLAB files by scipy, and safetensors files by the library of that name.
"""
