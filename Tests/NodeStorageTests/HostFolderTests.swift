import MountInfo
import Testing

@testable import NodeStorage

/// Where the host has the plugin's mount root, by what the plugin's own table of mounts shows.
@Suite struct HostFolderTests {
    private static let root = "/mnt/volumes"

    private func table(_ propagated: String, _ others: String...) -> MountTable {
        MountTable(parsing: ([propagated] + others).joined(separator: "\n"))
    }

    @Test("D12: on the host's root filesystem, the folder in it is the host's path")
    func d12Known() {
        let table = table(
            "90 80 8:1 /var/lib/docker/plugins/7f3c/propagated-mount /mnt/volumes rw shared:1 - ext4 /dev/sda1 rw",
            "91 80 8:1 /usr/lib/modules /lib/modules ro - ext4 /dev/sda1 rw")
        let folder = HostFolder.find(Self.root, in: table)
        #expect(folder == .at("/var/lib/docker/plugins/7f3c/propagated-mount"))
        #expect(
            folder.path(of: "/mnt/volumes/db", below: Self.root)
                == "/var/lib/docker/plugins/7f3c/propagated-mount/db")
    }

    @Test(
        "D12: nothing is said where it is not certain",
        arguments: [
            // Docker's data are on a filesystem of their own, mounted who knows where.
            ("8:2 /docker/plugins/7f3c/propagated-mount", "8:1 /usr/lib/modules"),
            // A subvolume of btrfs is what the host has as its root.
            ("0:30 /@/var/lib/docker/plugins/7f3c/propagated-mount", "0:30 /@/usr/lib/modules"),
            // /usr is a filesystem of its own, or the host is of the old kind.
            ("8:1 /docker/plugins/7f3c/propagated-mount", "8:1 /lib/modules"),
            // The modules' folder is another one: modules.source=/sys/fs
            ("8:1 /var/lib/docker/plugins/7f3c/propagated-mount", "0:21 /fs"),
        ])
    func d12Unknown(propagated: String, modules: String) {
        let table = table(
            "90 80 \(propagated) /mnt/volumes rw shared:1 - ext4 /dev/sda1 rw",
            "91 80 \(modules) /lib/modules ro - ext4 /dev/sda1 rw")
        let folder = HostFolder.find(Self.root, in: table)
        #expect(folder == .unknown)
        #expect(folder.path(of: "/mnt/volumes/db", below: Self.root) == nil)
    }

    @Test("D12: without Docker's plugin system the path is the host's own, mounted or not")
    func d12Same() {
        let bound = table("90 80 8:1 /mnt/volumes /mnt/volumes rw shared:1 - ext4 /dev/sda1 rw")
        let plain = table("80 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw")
        for table in [bound, plain] {
            #expect(HostFolder.find(Self.root, in: table) == .same)
        }
        #expect(HostFolder.same.path(of: "/mnt/volumes/db", below: Self.root) == "/mnt/volumes/db")
        #expect(HostFolder.same.path(of: "", below: Self.root) == nil, "it is not mounted")
    }
}
