module gotracer/workloads

go 1.19
