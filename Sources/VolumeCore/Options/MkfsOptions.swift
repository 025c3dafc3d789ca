/// What the words of `mkfs-options` may be: for each filesystem the options of its mkfs that concern this volume alone.
///
/// Everything else is refused: options that name other devices or files of the host, words that mkfs would take for the
/// device, and what makes no filesystem.
struct MkfsOptions: Sendable {
    let filesystem: FilesystemType
    private let letters: [Character: OptionRule]
    private let names: [String: OptionRule]

    init(_ filesystem: FilesystemType) {
        self.filesystem = filesystem
        switch filesystem {
        case .ext4: (letters, names) = (Self.ext4, [:])
        case .xfs: (letters, names) = (Self.xfs, [:])
        case .btrfs: (letters, names) = (Self.btrfs, Self.btrfsNames)
        }
    }

    /// The first word that cannot be used; reads them as getopt(3) does.
    func fault(in words: [String]) -> OptionFault? {
        var rest = words[...]
        while let word = rest.popFirst() {
            let fault = word.hasPrefix("--") ? named(word, &rest) : lettered(word, &rest)
            if let fault { return fault }
        }
        return nil
    }

    /// `--name`, `--name=value`, `--name value`.
    private func named(_ word: String, _ rest: inout ArraySlice<String>) -> OptionFault? {
        var (name, value) = OptionRule.divided(word)
        // No abbreviations, which mkfs would take.
        guard let rule = names[name] else { return .unknown(name) }
        if value == nil, rule.takesValue { value = rest.popFirst() }
        return rule.fault(name, value)
    }

    /// `-a`, `-ab`, `-bvalue`, `-b value`.
    private func lettered(_ word: String, _ rest: inout ArraySlice<String>) -> OptionFault? {
        guard word.hasPrefix("-"), word.count > 1 else {
            return OptionFault(word: word, why: "would be mistaken for the device", remedy: "leave it out")
        }
        var letters = word.dropFirst()
        while let letter = letters.popFirst() {
            guard let rule = self.letters[letter] else { return .unknown("-\(letter)") }
            guard rule.takesValue else {
                if let fault = rule.fault("-\(letter)", nil) { return fault }
                continue
            }
            return rule.fault("-\(letter)", letters.isEmpty ? rest.popFirst() : String(letters))
        }
        return nil
    }
}

extension OptionRule {
    fileprivate var takesValue: Bool {
        switch self {
        case .flag, .refused: false
        default: true
        }
    }
}

// MARK: - mke2fs(8)

extension MkfsOptions {
    private static let nothingMade = OptionRule.refused(
        why: "makes no filesystem that can be mounted", remedy: "leave it out")
    private static let hostFiles = OptionRule.refused(
        why: "reads or writes files of the host", remedy: "leave it out, and copy files into the mounted volume")
    private static let hostPanic = OptionRule.refused(
        why: "would stop the whole host at the volume's first error", remedy: "use 'remount-ro' instead")

    fileprivate static let ext4: [Character: OptionRule] = [
        "b": .amount, "C": .amount, "g": .amount, "G": .amount, "i": .amount, "I": .amount, "m": .amount, "N": .amount,
        "D": .flag, "F": .flag, "j": .flag, "K": .flag, "q": .flag, "v": .flag,
        "e": .except(["panic": hostPanic], .oneOf(["continue", "remount-ro"])),
        "E": .list(extended), "R": .list(extended),
        "J": .list(["size": .amount, "fast_commit_size": .amount, "location": .amount, "device": .otherDevice]),
        "L": .text, "U": .text, "o": .text, "r": .amount, "t": .oneOf(["ext4", "ext3", "ext2"]), "T": .text,
        "O": .listWithout(["journal_dev": nothingMade]),
        "d": hostFiles, "l": hostFiles, "z": hostFiles, "M": hostFiles,
        "n": nothingMade, "S": nothingMade, "V": nothingMade,
        "c": .refused(why: "reads the whole volume", remedy: "leave it out: Ceph checks what it stores"),
    ]

    private static let extended: [String: OptionRule] = [
        "encoding": .text, "encoding_flags": .text, "hash_seed": .text, "mmp_update_interval": .number,
        "stride": .amount, "stripe_width": .amount, "stripe-width": .amount, "resize": .amount,
        "lazy_itable_init": .optional(.number), "lazy_journal_init": .optional(.number),
        "assume_storage_prezeroed": .optional(.number), "num_backup_sb": .number,
        "packed_meta_blocks": .optional(.number), "root_owner": .optional(.text), "root_perms": .text,
        "no_copy_xattrs": .flag, "orphan_file_size": .amount, "discard": .flag, "nodiscard": .flag, "quotatype": .text,
        "revision": .number, "test_fs": nothingMade,
        "offset": .refused(why: "puts the filesystem where mount does not look for it", remedy: "leave it out"),
    ]
}

// MARK: - mkfs.xfs(8)

extension MkfsOptions {
    fileprivate static let xfs: [Character: OptionRule] = [
        "f": .flag, "K": .flag, "q": .flag, "C": .flag,
        "b": .list(["size": .amount, "log": .number]),
        "m": .listWithout(["rtdev": .otherDevice]),
        "d": .list(
            [
                "agcount": .amount, "agsize": .amount, "size": .amount, "sunit": .amount, "swidth": .amount,
                "su": .amount, "sw": .amount, "noalign": .optional(.number), "sectsize": .amount, "sectlog": .number,
                "cowextsize": .amount, "extszinherit": .amount, "projinherit": .amount, "rtinherit": .optional(.number),
                "daxinherit": .optional(.number), "concurrency": .optional(.text), "unwritten": .number,
                "file": .otherDevice, "name": .otherDevice,
            ]),
        "i": .list(
            [
                "size": .amount, "log": .number, "perblock": .amount, "maxpct": .amount, "align": .optional(.number),
                "attr": .number, "projid32bit": .optional(.number), "sparse": .optional(.number),
                "nrext64": .optional(.number), "exchange": .optional(.number),
            ]),
        "l": .list(
            [
                "agnum": .number, "internal": .optional(.number), "size": .amount, "version": .number, "sunit": .amount,
                "su": .amount, "sectsize": .amount, "sectlog": .number, "lazy-count": .optional(.number),
                "concurrency": .optional(.text),
                "logdev": .otherDevice, "file": .otherDevice, "name": .otherDevice,
            ]),
        "n": .list(
            [
                "size": .amount, "log": .number, "version": .text, "ftype": .optional(.number),
                "parent": .optional(.number),
            ]),
        "s": .list(["size": .amount, "sectsize": .amount, "log": .number, "sectlog": .number]),
        "L": .text,
        "r": .otherDevice, "c": hostFiles, "p": hostFiles, "N": nothingMade, "V": nothingMade,
    ]
}

// MARK: - mkfs.btrfs(8)

extension MkfsOptions {
    fileprivate static let btrfs: [Character: OptionRule] = [
        "d": .text, "m": .text, "M": .flag, "n": .amount, "s": .amount, "l": .amount, "b": .amount, "L": .text,
        "U": .text, "K": .flag, "f": .flag, "q": .flag, "v": .flag, "O": btrfsFeatures, "R": btrfsFeatures,
        "r": hostFiles, "V": nothingMade,
    ]

    private static let btrfsFeatures = OptionRule.listWithout(["list-all": nothingMade])

    fileprivate static let btrfsNames: [String: OptionRule] = [
        "--data": .text, "--metadata": .text, "--mixed": .flag, "--csum": .text, "--checksum": .text,
        "--nodesize": .amount, "--leafsize": .amount, "--sectorsize": .amount, "--byte-count": .amount,
        "--label": .text, "--uuid": .text, "--device-uuid": .text, "--features": btrfsFeatures,
        "--runtime-features": btrfsFeatures, "--nodiscard": .flag, "--force": .flag, "--quiet": .flag,
        "--verbose": .flag,
        "--rootdir": hostFiles, "--shrink": hostFiles, "--subvol": hostFiles, "--inode-flags": hostFiles,
        "--compress": hostFiles, "--reflink": hostFiles, "--version": nothingMade, "--help": nothingMade,
    ]
}
