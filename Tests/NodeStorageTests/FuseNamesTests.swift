import Blocking
import RBDDriver
import Testing
import VolumeCore

@testable import NodeStorage

@Suite struct FuseNamesTests {
    @Test func folderNamesAreSafeReadableAndShort() {
        let plain = ImageReference(pool: "rbd", name: "my-db_1")
        #expect(FuseFolder.name(of: plain).hasPrefix("my-db_1."))
        for name in ["../../etc", "a/b", "..", "", "é€", "a\0b", "-x", String(repeating: "n", count: 300), "a,b c"] {
            let folder = FuseFolder.name(of: ImageReference(pool: "p", name: name))
            #expect(!folder.contains("/") && !folder.contains("..") && !folder.contains(",") && !folder.contains(" "))
            #expect(folder.utf8.count <= FuseFolder.longestName)
        }
    }

    @Test func differentImagesHaveDifferentFolders() {
        let images = [
            ImageReference(pool: "a", name: "x"), ImageReference(pool: "b", name: "x"),
            ImageReference(pool: "a", namespace: "n", name: "x"), ImageReference(pool: "an", name: "x"),
            ImageReference(pool: "a", name: "x/"), ImageReference(pool: "a", name: "x_"),
        ]
        #expect(Set(images.map(FuseFolder.name)).count == images.count)
    }

    @Test func namesStayTheSameOverReleases() {
        // A running daemon is found again by this name after an upgrade.
        #expect(FuseFolder.name(of: ImageReference(pool: "rbd", name: "db")) == "db.3357fa87dc3b9e1d")
    }

    @Test func oddNamesStayInsideTheirJSONString() throws {
        let image = ImageReference(pool: "p,x=1", namespace: "n", name: #"a",b\{}"#)
        let files = CephClientFiles(confPath: "/c,d", user: "u", keyringPath: "/secret")
        let list = try QemuArguments(image: image, files: files, folder: FuseFolder(path: "/s,t/f")).list()
        #expect(
            list == [
                "--daemonize", "--pidfile", "/s,t/f/pid", "--blockdev",
                #"{"cache":{"direct":true},"conf":"/c,d","discard":"unmap","driver":"rbd","image":"a\",b\\{}","#
                    + #""namespace":"n","node-name":"n0","pool":"p,x=1","user":"u"}"#,
                "--chardev", "socket,id=m0,server=on,wait=off,path=/s,,t/f/qmp", "--monitor", "chardev=m0",
            ])
        #expect(files.environment == ["CEPH_KEYRING": "/secret"])
    }

    @Test(arguments: ["relative", "/" + String(repeating: "x", count: 62)])
    func stateFoldersThatCannotWorkAreRefused(_ folder: String) {
        let kernel = KernelCalls(pool: BlockingPool(name: "none", perLane: 1), clock: SystemClock())
        #expect(throws: VolumeError.self) {
            try FuseMapper(
                files: CephClientFiles(confPath: "/c", user: "u"), stateFolder: folder, runner: ScriptedRunner(),
                kernel: kernel
            ) { _ in WatchedImage(id: "x", watchers: []) }
        }
    }
}
