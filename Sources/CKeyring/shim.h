#pragma once
#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// The C library has no function for the kernel's keyrings, and syscall is variadic.

/// add_key(2) into the keyring of this process, which ends with it. Returns the key's number, or -1 and errno.
static inline long ckeyring_add(const char *type, const char *description, const void *payload, size_t size) {
    return syscall(SYS_add_key, type, description, payload, size, KEY_SPEC_PROCESS_KEYRING);
}
