/// xfs: mkfs.xfs(8), xfs(5).
extension FilesystemFacts {
    static let xfs = FilesystemFacts(
        minimumSize: .mebibytes(300), maximumSize: .maximum, mark: .init(offset: 0, bytes: Array("XFSB".utf8)),
        onlineDiscard: "discard", mkfsPage: "mkfs.xfs(8)", mkfsLetters: mkfsXFS, mkfsNames: [:], mountOptions: xfsMount)

    private static let mkfsXFS: [Character: OptionRule] = [
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
        "r": .otherDevice, "c": .hostFiles, "p": .hostFiles, "N": .nothingMade, "V": .nothingMade,
    ]

    private static let xfsMount: [String: OptionRule] = {
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
