#pragma once

// <sys/mman.h> declares it for GNU programs alone; glibc has had it since 2.27.
extern int memfd_create(const char *name, unsigned int flags);

/// memfd_create(2) with MFD_CLOEXEC: a file in memory that has no name.
static inline int cmemoryfile_create(const char *name) { return memfd_create(name, 1U); }
