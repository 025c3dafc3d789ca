import Rig

@testable import MountInfo

/// `/proc/self/mountinfo`: others choose the folders, sources and options that stand in it.
struct MountInfoTarget: FuzzTarget {
    let name = "mountinfo"
    let words = [
        " - ", "- ", "\n36 35 98:0 / /mnt rw - ext4 /dev/rbd0 rw\n", "/dev/loop7", "7:1", "\\040", "\\012", "\\011",
        "\\134", "\\043", "\\04", "\\+12", "rw", "ro", "shared:7", "master:1",
    ]

    func run(_ input: [UInt8]) async throws(Broken) -> String {
        let lines = MountInfoLine.all(in: input)
        let shown = lines.flatMap { $0.asKernelShows }
        try hold(MountInfoLine.all(in: shown) == lines, "what the kernel would show of these mounts reads as others")
        let mount = Self.mount(of: input)
        try hold(
            MountInfoLine.all(in: mount.asKernelShows) == [mount], "a mount that can be is read as another: \(mount)")
        return "\(min(lines.count, 4)) \(lines.first.map { "\($0.options.count) \($0.superOptions.count)" } ?? "")"
    }

    func settle() async throws(Broken) {}

    /// A mount whose fields are pieces of the input: the kernel lets each of them be any bytes without a zero.
    private static func mount(of input: [UInt8]) -> MountInfoLine {
        let pieces = input.split(separator: 0, maxSplits: 3, omittingEmptySubsequences: false)
        func piece(_ index: Int) -> String { index < pieces.count ? text(pieces[index].filter { $0 != 0 }) : "" }
        return MountInfoLine(
            id: 36, parent: 35, deviceNumber: "98:0", root: "/" + piece(0), mountpoint: "/" + piece(1),
            options: ["rw"], filesystem: "ext4", source: piece(2),
            superOptions: ["rw"] + (piece(3).isEmpty ? [] : [piece(3)]))
    }
}

extension MountInfoLine {
    /// As `show_mountinfo` of fs/proc_namespace.c writes it.
    fileprivate var asKernelShows: [UInt8] {
        let fields =
            ["\(id)", "\(parent)", deviceNumber, escaped(root), escaped(mountpoint)]
            + [list(options), "shared:7", "-", escaped(filesystem), escaped(source), list(superOptions)]
        return Array(fields.joined(separator: " ").utf8) + [UInt8(ascii: "\n")]
    }

    /// seq_show_option
    private func list(_ options: [String]) -> String {
        options.map { escaped($0, with: ",") }.joined(separator: ",")
    }

    private func escaped(_ field: String, with others: String = "") -> String {
        text(
            field.utf8.flatMap { byte in
                (" \t\n\\#" + others).utf8.contains(byte)
                    ? Array("\\".utf8) + [6, 3, 0].map { UInt8(ascii: "0") + byte >> $0 & 7 } : [byte]
            })
    }
}
