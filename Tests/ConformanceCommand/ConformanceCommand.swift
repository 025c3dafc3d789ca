import FoundationEssentials
import Glibc
import ProtocolConformance

/// Does to any volume plugin what Docker does, and says case by case whether it behaves.
@main
enum ConformanceCommand {
    static func main() async {
        let arguments = CommandLine.arguments.dropFirst()
        guard let socket = arguments.first, socket.hasPrefix("/") else {
            print("usage: plugin-conformance /path/of/plugin.sock [OPTION=VALUE…]    options for creating a volume")
            exit(2)
        }
        var options: [String: String] = [:]
        for option in arguments.dropFirst() {
            let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            options[String(parts[0])] = parts.count > 1 ? String(parts[1]) : ""
        }
        var failed = 0
        for each in ConformanceCase.all {
            do {
                try await each.run(on: Subject(socket: socket, options: options))
                print("pass  \(each)")
            } catch {
                failed += 1
                print("FAIL  \(each)\n      \(error)")
            }
            fflush(nil)
        }
        print("\(ConformanceCase.all.count - failed) of \(ConformanceCase.all.count) passed")
        exit(failed == 0 ? 0 : 1)
    }
}
