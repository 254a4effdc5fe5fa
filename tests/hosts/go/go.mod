module b2auth.test/hosts

go 1.19
