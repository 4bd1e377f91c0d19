"""What workers tell the replicas of the api, thinned out: of each thing its newest state since the frame before."""
