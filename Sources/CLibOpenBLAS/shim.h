// OpenBLAS is only called from C, in CTrainingKernels: nothing of it is imported into Swift. The target
// names the Debian package and the flags to compile and link with.
