import Glibc
import VolumeCore

/// Which images this plugin has mapped, or was about to: a small file for each in a folder, since neither the kernel nor
/// `rbd-nbd` tells which plugin, if any, mapped a device. No mapping outlives a boot, so a mark of another one says nothing:
/// what is mapped by then is somebody's own. All calls but `forget` block.
struct MappingMarks: Sendable {
    let folder: String
    var boot = KernelBoot.id

    /// Begins the last line of a mark. Those of older versions have one line, which tells no boot.
    private static let bootPrefix = "boot "

    /// By name and id: another image may have had the name before. A mark without id is that of an older version, or of an
    /// image whose id does not show before it is mapped.
    private func file(_ image: ImageReference, _ id: String?) -> String {
        "\(folder)/\(FuseFolder.name(of: image))" + (id.map { "." + FuseFolder.hash($0) } ?? "")
    }

    func set(_ image: ImageReference, id: String?) throws {
        try SystemCall.makeFolders(folder)
        try SmallFile.replace(file(image, id), with: Array("\(image) \(id ?? "")\n\(Self.bootPrefix)\(boot)\n".utf8))
    }

    func has(_ image: ImageReference, id: String?) -> Bool {
        isOfThisBoot(file(image, id)) || isOfThisBoot(file(image, nil))
    }

    private func isOfThisBoot(_ file: String) -> Bool {
        guard let last = (try? SmallFile.read(file))?.split(separator: "\n").last else { return false }
        return !last.hasPrefix(Self.bootPrefix) || last.dropFirst(Self.bootPrefix.count) == boot
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
