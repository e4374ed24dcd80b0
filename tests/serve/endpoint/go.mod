module gotracer/endpoint

go 1.19
