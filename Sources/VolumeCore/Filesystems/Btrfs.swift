/// btrfs: mkfs.btrfs(8), btrfs(5).
extension FilesystemFacts {
    static let btrfs = FilesystemFacts(
        // The kernel does not resize a smaller one.
        minimumSize: .mebibytes(256), maximumSize: .maximum,
        mark: .init(offset: (64 << 10) + 0x40, bytes: Array("_BHRfS_M".utf8)), onlineDiscard: "discard=async",
        mkfsPage: "mkfs.btrfs(8)",
        mkfsLetters: mkfsBtrfs, mkfsNames: mkfsBtrfsNames, mountOptions: btrfsMount)

    private static let mkfsBtrfs: [Character: OptionRule] = [
        "d": .text, "m": .text, "M": .flag, "n": .amount, "s": .amount, "l": .amount, "b": .amount, "L": .text,
        "U": .text, "K": .flag, "f": .flag, "q": .flag, "v": .flag, "O": btrfsFeatures, "R": btrfsFeatures,
        "r": .hostFiles, "V": .nothingMade,
    ]

    private static let btrfsFeatures = OptionRule.listWithout(["list-all": .nothingMade])

    private static let mkfsBtrfsNames: [String: OptionRule] = [
        "--data": .text, "--metadata": .text, "--mixed": .flag, "--csum": .text, "--checksum": .text,
        "--nodesize": .amount, "--leafsize": .amount, "--sectorsize": .amount, "--byte-count": .amount,
        "--label": .text, "--uuid": .text, "--device-uuid": .text, "--features": btrfsFeatures,
        "--runtime-features": btrfsFeatures, "--nodiscard": .flag, "--force": .flag, "--quiet": .flag,
        "--verbose": .flag,
        "--rootdir": .hostFiles, "--shrink": .hostFiles, "--subvol": .hostFiles, "--inode-flags": .hostFiles,
        "--compress": .hostFiles, "--reflink": .hostFiles, "--version": .nothingMade, "--help": .nothingMade,
    ]

    private static let btrfsMount: [String: OptionRule] = {
        var rules: [String: OptionRule] = [
            "commit": .number, "thread_pool": .number, "metadata_ratio": .number, "max_inline": .amount,
            "compress": .optional(.text), "compress-force": .optional(.text),
            "discard": .optional(.oneOf(["sync", "async"])), "space_cache": .optional(.oneOf(["v1", "v2"])),
            "rescue": .text, "subvol": .text, "subvolid": .text,
            "fatal_errors": .except(["panic": .hostPanicOfMount], .oneOf(["bug"])),
            "device": .otherDevice,
            "fragment": .forDebugging, "check_int": .forDebugging, "check_int_data": .forDebugging,
            "check_int_print_mask": .forDebugging, "ref_verify": .forDebugging,
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
