import Glibc
import VolumeCore

/// Which images this plugin has mapped, or was about to: a small file for each below `<state>/krbd`, since the kernel does
/// not tell which plugin, if any, mapped a device. All calls block.
struct KrbdMarks: Sendable {
    let folder: String

    private func file(_ image: ImageReference) -> String { "\(folder)/\(FuseFolder.name(of: image))" }

    func set(_ image: ImageReference) throws {
        try SystemCall.makeFolders(folder)
        try SmallFile.replace(file(image), with: Array("\(image)\n".utf8))
    }

    func has(_ image: ImageReference) -> Bool { access(file(image), F_OK) == 0 }

    func clear(_ image: ImageReference) { unlink(file(image)) }
}
