"""What goes on over many devices: releases, batches and configuration jobs, learned from their events alone."""
