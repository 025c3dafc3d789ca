/// What the words of `mount-options` may be: for each filesystem the options that concern this volume alone, from mount(8),
/// ext4(5), xfs(5), btrfs(5) and what the kernel's drivers read.
///
/// A name that is in no table fails every Mount, so it is refused at Create. What reaches beyond the volume is refused also
/// of a volume that was created before the tables were.
struct MountOptionTable: Sendable {
    let filesystem: FilesystemType
    private let rules: [String: OptionRule]

    init(_ filesystem: FilesystemType) {
        self.filesystem = filesystem
        let own =
            switch filesystem {
            case .ext4: Self.ext4
            case .xfs: Self.xfs
            case .btrfs: Self.btrfs
            }
        rules = Self.general.merging(own) { $1 }
    }

    /// The first word that cannot be used.
    func fault(in words: [String]) -> OptionFault? {
        for word in words {
            if let fault = fault(word) { return fault }
        }
        return nil
    }

    /// The first word that is known to reach beyond the volume.
    func danger(in words: [String]) -> OptionFault? {
        words.lazy.compactMap(fault).first(where: \.reachesBeyond)
    }

    private func fault(_ word: String) -> OptionFault? {
        let (name, value) = OptionRule.divided(word)
        if name.lowercased().hasPrefix("x-") { return Self.forMountProgram.fault(name, value) }
        guard let rule = rules[name] else { return .unknown(word) }
        return rule.fault(name, value)
    }
}

// MARK: - mount(8)

extension MountOptionTable {
    private static let otherMount = OptionRule.refused(
        why: "asks for a mount other than the volume's own", remedy: "leave it out")
    private static let forMountProgram = OptionRule.refused(
        why: "is meant for programs of the host", remedy: "leave it out")
    private static let hostPanic = OptionRule.refused(
        why: "would stop the whole host at the volume's first error", remedy: "leave it out, or use errors=remount-ro")
    private static let forDebugging = OptionRule.refused(
        why: "is for the kernel's own tests, and breaks the volume or the host", remedy: "leave it out")

    /// Those that mean the same with every filesystem, and what fstab(5) has besides.
    static let generalNames = [
        "defaults", "auto", "noauto", "_netdev", "nofail", "user", "users", "owner", "group", "nouser", "nousers",
        "noowner", "nogroup", "ro", "rw", "nosuid", "suid", "nodev", "dev", "noexec", "exec", "sync", "async",
        "dirsync", "mand", "nomand", "noatime", "atime", "nodiratime", "diratime", "relatime", "norelatime",
        "strictatime", "nostrictatime", "lazytime", "nolazytime", "iversion", "noiversion", "nosymfollow", "symfollow",
        "silent", "loud",
    ]

    private static let general: [String: OptionRule] = {
        var rules = Dictionary(uniqueKeysWithValues: generalNames.map { ($0, OptionRule.flag) })
        for name in ["context", "fscontext", "defcontext", "rootcontext"] { rules[name] = .text }
        for name in ["bind", "rbind", "move", "remount"] { rules[name] = otherMount }
        for name in [
            "shared", "rshared", "private", "rprivate", "slave", "rslave", "unbindable", "runbindable",
        ] { rules[name] = otherMount }
        for name in ["loop", "offset", "sizelimit"] { rules[name] = .otherDevice }
        for name in ["helper", "uhelper", "encryption", "comment"] { rules[name] = forMountProgram }
        return rules
    }()
}

// MARK: - ext4(5)

extension MountOptionTable {
    private static let ext4: [String: OptionRule] = {
        var rules: [String: OptionRule] = [
            "errors": .except(["panic": hostPanic], .oneOf(["continue", "remount-ro"])),
            "data": .oneOf(["journal", "ordered", "writeback"]), "data_err": .oneOf(["abort", "ignore"]),
            "jqfmt": .oneOf(["vfsold", "vfsv0", "vfsv1"]), "check": .oneOf(["none"]),
            "dax": .optional(.oneOf(["always", "inode", "never"])), "barrier": .optional(.oneOf(["0", "1"])),
            "usrjquota": .optional(.text), "grpjquota": .optional(.text),
            "auto_da_alloc": .optional(.number), "init_itable": .optional(.number), "mb_optimize_scan": .number,
            "journal_dev": .otherDevice, "journal_path": .otherDevice,
            "warn_on_error": hostPanic, "abort": forDebugging, "test_dummy_encryption": forDebugging,
            "fc_debug_force": forDebugging, "fc_debug_max_replay": forDebugging,
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

// MARK: - xfs(5)

extension MountOptionTable {
    private static let xfs: [String: OptionRule] = {
        var rules: [String: OptionRule] = [
            "allocsize": .amount, "logbsize": .amount, "logbufs": .number, "sunit": .number, "swidth": .number,
            "max_open_zones": .number, "max_atomic_write": .amount,
            "dax": .optional(.oneOf(["always", "inode", "never"])),
            "logdev": .otherDevice, "rtdev": .otherDevice,
        ]
        for name in [
            "attr2", "noattr2", "discard", "nodiscard", "grpid", "nogrpid", "bsdgroups", "sysvgroups", "filestreams",
            "ikeep", "noikeep", "inode32", "inode64", "largeio", "nolargeio", "noalign", "norecovery", "nouuid",
            "noquota", "quota", "uquota", "usrquota", "uqnoenforce", "qnoenforce", "gquota", "grpquota",
            "gqnoenforce", "pquota", "prjquota", "pqnoenforce", "swalloc", "wsync", "barrier", "nobarrier", "lifetime",
            "nolifetime",
        ] { rules[name] = .flag }
        return rules
    }()
}

// MARK: - btrfs(5)

extension MountOptionTable {
    private static let btrfs: [String: OptionRule] = {
        var rules: [String: OptionRule] = [
            "commit": .number, "thread_pool": .number, "metadata_ratio": .number, "max_inline": .amount,
            "compress": .optional(.text), "compress-force": .optional(.text),
            "discard": .optional(.oneOf(["sync", "async"])), "space_cache": .optional(.oneOf(["v1", "v2"])),
            "rescue": .text, "subvol": .text, "subvolid": .text,
            "fatal_errors": .except(["panic": hostPanic], .oneOf(["bug"])),
            "device": .otherDevice,
            "fragment": forDebugging, "check_int": forDebugging, "check_int_data": forDebugging,
            "check_int_print_mask": forDebugging, "ref_verify": forDebugging,
        ]
        for name in [
            "acl", "noacl", "autodefrag", "noautodefrag", "barrier", "nobarrier", "clear_cache", "datacow", "nodatacow",
            "datasum", "nodatasum", "degraded", "nodiscard", "enospc_debug", "noenospc_debug", "flushoncommit",
            "noflushoncommit", "nologreplay", "norecovery", "recovery", "rescan_uuid_tree", "skip_balance",
            "nospace_cache", "inode_cache", "noinode_cache", "ssd", "nossd", "ssd_spread", "nossd_spread", "treelog",
            "notreelog", "usebackuproot", "user_subvol_rm_allowed",
        ] { rules[name] = .flag }
        return rules
    }()
}
