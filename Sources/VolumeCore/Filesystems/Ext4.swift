/// ext4: mke2fs(8), ext4(5).
extension FilesystemFacts {
    static let ext4 = FilesystemFacts(
        minimumSize: .mebibytes(8),
        // Beyond this, the group descriptors and their copies are gigabytes that mkfs writes, and that every mount reads.
        maximumSize: .gibibytes(64 << 10),
        mark: .init(offset: 1024 + 0x38, bytes: [0x53, 0xEF]), onlineDiscard: "discard", mkfsPage: "mke2fs(8)",
        mkfsLetters: mke2fs,
        mkfsNames: [:],
        mountOptions: ext4Mount)

    private static let mke2fs: [Character: OptionRule] = [
        "b": .amount, "C": .amount, "g": .amount, "G": .amount, "i": .amount, "I": .amount, "m": .amount, "N": .amount,
        "D": .flag, "F": .flag, "j": .flag, "K": .flag, "q": .flag, "v": .flag,
        "e": .except(["panic": .hostPanic], .oneOf(["continue", "remount-ro"])),
        "E": .list(extended), "R": .list(extended),
        "J": .list(["size": .amount, "fast_commit_size": .amount, "location": .amount, "device": .otherDevice]),
        "L": .text, "U": .text, "o": .text, "r": .amount, "t": .oneOf(["ext4", "ext3", "ext2"]), "T": .text,
        "O": .listWithout(["journal_dev": .nothingMade]),
        "d": .hostFiles, "l": .hostFiles, "z": .hostFiles, "M": .hostFiles,
        "n": .nothingMade, "S": .nothingMade, "V": .nothingMade,
        "c": .refused(why: "reads the whole volume", remedy: "leave it out: Ceph checks what it stores"),
    ]

    private static let extended: [String: OptionRule] = [
        "encoding": .text, "encoding_flags": .text, "hash_seed": .text, "mmp_update_interval": .number,
        "stride": .amount, "stripe_width": .amount, "stripe-width": .amount, "resize": .amount,
        "lazy_itable_init": .optional(.number), "lazy_journal_init": .optional(.number),
        "assume_storage_prezeroed": .optional(.number), "num_backup_sb": .number,
        "packed_meta_blocks": .optional(.number), "root_owner": .optional(.text), "root_perms": .text,
        "no_copy_xattrs": .flag, "orphan_file_size": .amount, "discard": .flag, "nodiscard": .flag, "quotatype": .text,
        "revision": .number, "test_fs": .nothingMade,
        "offset": .refused(why: "puts the filesystem where mount does not look for it", remedy: "leave it out"),
    ]

    private static let ext4Mount: [String: OptionRule] = {
        var rules: [String: OptionRule] = [
            "errors": .except(["panic": .hostPanicOfMount], .oneOf(["continue", "remount-ro"])),
            "data": .oneOf(["journal", "ordered", "writeback"]), "data_err": .oneOf(["abort", "ignore"]),
            "jqfmt": .oneOf(["vfsold", "vfsv0", "vfsv1"]), "check": .oneOf(["none"]),
            "dax": .optional(.oneOf(["always", "inode", "never"])), "barrier": .optional(.oneOf(["0", "1"])),
            "usrjquota": .optional(.text), "grpjquota": .optional(.text),
            "auto_da_alloc": .optional(.number), "init_itable": .optional(.number), "mb_optimize_scan": .number,
            "journal_dev": .otherDevice, "journal_path": .otherDevice,
            "warn_on_error": .hostPanicOfMount, "abort": .forDebugging, "test_dummy_encryption": .forDebugging,
            "fc_debug_force": .forDebugging, "fc_debug_max_replay": .forDebugging,
        ]
        for name in [
            "resgid", "resuid", "sb", "commit", "min_batch_time", "max_batch_time", "stripe", "inode_readahead_blks",
            "journal_ioprio", "max_dir_size_kb", "debug_want_extra_isize",
        ] { rules[name] = .number }
        for name in [
            "bsddf", "minixdf", "grpid", "nogrpid", "bsdgroups", "sysvgroups", "nouid32", "debug", "oldalloc", "orlov",
            "user_xattr", "nouser_xattr", "acl", "noacl", "noload", "norecovery", "nocheck", "bh", "nobh",
            "journal_checksum", "nojournal_checksum", "journal_async_commit", "quota", "noquota", "usrquota",
            "grpquota", "prjquota", "nobarrier", "i_version", "delalloc", "nodelalloc", "nowarn_on_error",
            "mblk_io_submit", "nomblk_io_submit", "block_validity", "noblock_validity", "noauto_da_alloc",
            "dioread_lock", "dioread_nolock", "nodioread_nolock", "discard", "nodiscard", "noinit_itable",
            "inlinecrypt",
            "nombcache", "no_mbcache", "prefetch_block_bitmaps", "no_prefetch_block_bitmaps", "reservation",
            "noreservation",
        ] { rules[name] = .flag }
        return rules
    }()
}
