import Testing
import VolumeCore

@Suite struct AdoptRuleTests {
    private let image = ImageReference(pool: "rbd", name: "db")

    @Test(
        "D11: an adopted image is mounted with the filesystem that it bears",
        arguments: [
            (nil, [.xfs], .xfs), (.xfs, [.xfs], .xfs), (.btrfs, [.ext4, .btrfs], .btrfs),
        ] as [(FilesystemType?, [FilesystemType], FilesystemType)])
    func d11TheFilesystemThatIsThere(
        _ asked: FilesystemType?, _ found: [FilesystemType], _ expected: FilesystemType
    ) throws {
        #expect(try AdoptRule.filesystem(of: image, asked: asked, found: found) == expected)
    }

    @Test(
        "D11: an image without a filesystem, or with another one than is said, is refused by name",
        arguments: [
            (nil, [], .damaged, "no filesystem"), (.ext4, [], .damaged, "no filesystem"),
            (.ext4, [.xfs], .invalidOption, "it has xfs, but '-o fstype=ext4' is given"),
            (nil, [.ext4, .xfs], .invalidOption, "ext4 and xfs"),
        ] as [(FilesystemType?, [FilesystemType], VolumeError.Code, String)])
    func d11WhatCannotBeMountedIsRefused(
        _ asked: FilesystemType?, _ found: [FilesystemType], _ code: VolumeError.Code, _ words: String
    ) throws {
        let error = #expect(throws: VolumeError.self) {
            try AdoptRule.filesystem(of: image, asked: asked, found: found)
        }
        #expect(error?.code == code)
        #expect(error?.outcome == .refused)
        #expect(error?.why.contains(words) == true)
        #expect(error?.what.contains("rbd/db") == true)
    }
}
