// Ends while a call waits for a response that does not come: a test wants this to be quick and clean.
import B2Auth
import Foundation

@main
enum ExitInCall {
    static func main() async throws {
        let how = CommandLine.arguments.dropFirst().first
        let task = Task { try await B2Auth.authorize() }
        Thread.detachNewThread { _ = try? B2Auth.authorize(options: .init(userAgent: "blocking/1")) }
        // The test ends the input when the sandbox holds the request.
        _ = readLine()
        if how == "exit" { exit(0) }
        if how == "cancel" {
            task.cancel()
            if case .failure(let error as B2Error) = await task.result, error.status == .cancelled { return }
            exit(1)
        }
    }
}
