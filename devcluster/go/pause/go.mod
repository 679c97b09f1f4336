module transfermodel.invalid/devcluster/pause

go 1.24.0
