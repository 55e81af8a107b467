"""Running trackers in a workspace: jobs, processes, progress, checks."""
