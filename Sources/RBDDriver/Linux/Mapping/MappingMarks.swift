import Glibc
import VolumeCore

/// Which images this plugin has mapped, or was about to: a small file for each in a folder, since neither the kernel nor
/// `rbd-nbd` tells which plugin, if any, mapped a device. All calls but `forget` block.
struct MappingMarks: Sendable {
    let folder: String

    /// By name and id: another image may have had the name before. A mark without id is that of an older version, or of an
    /// image whose id does not show before it is mapped.
    private func file(_ image: ImageReference, _ id: String?) -> String {
        "\(folder)/\(FuseFolder.name(of: image))" + (id.map { "." + FuseFolder.hash($0) } ?? "")
    }

    func set(_ image: ImageReference, id: String?) throws {
        try SystemCall.makeFolders(folder)
        try SmallFile.replace(file(image, id), with: Array("\(image) \(id ?? "")\n".utf8))
    }

    func has(_ image: ImageReference, id: String?) -> Bool {
        access(file(image, id), F_OK) == 0 || access(file(image, nil), F_OK) == 0
    }

    func clear(_ image: ImageReference, id: String?) {
        unlink(file(image, id))
        unlink(file(image, nil))
    }

    /// As `clear`, on one of the pool's threads. A mark that stays makes a later mapping of that image by hand look like the
    /// plugin's: no reason to fail.
    func forget(_ image: ImageReference, id: String?, _ kernel: KernelCalls) async {
        try? await kernel.run("remove \(folder)", to: "forget the mapping of \(image)") { clear(image, id: id) }
    }
}
