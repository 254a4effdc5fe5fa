module b2auth

go 1.19
