import FoundationEssentials
import Glibc

/// An `e2fsck` that can be made to take as long as a test wants: it has the device to itself, as the real one has, says that
/// it is half through the first pass, and becomes the real one when it is let go.
package struct SlowE2fsck: Sendable {
    /// To be put first in the search path.
    package let folder: String

    package init(in scratch: String) throws {
        folder = scratch + "/slow"
        let script = """
            #!/usr/bin/perl
            use Fcntl;
            $| = 1;
            open(my $starts, '>>', "\(folder)/starts"); print $starts "x"; close $starts;
            if (-e "\(folder)/hold") {
                sysopen(my $device, $ARGV[-1], O_RDWR | O_EXCL) or exit 8;
                print "1 50 100 $ARGV[-1]\\n";
                select(undef, undef, undef, 0.01) while -e "\(folder)/hold";
            }
            exec '/sbin/e2fsck', @ARGV;
            """
        mkdir(folder, 0o700)
        try Data(script.utf8).write(to: URL(filePath: folder + "/e2fsck"))
        chmod(folder + "/e2fsck", 0o700)
    }

    package func hold() throws { try Data().write(to: URL(filePath: folder + "/hold")) }

    package func letGo() throws { try FileManager.default.removeItem(atPath: folder + "/hold") }

    /// How often it was started.
    package var starts: Int {
        get throws {
            guard access(folder + "/starts", F_OK) == 0 else { return 0 }
            return try Data(contentsOf: URL(filePath: folder + "/starts")).count
        }
    }
}
