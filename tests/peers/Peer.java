import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.math.BigInteger;
import java.net.HttpURLConnection;
import java.net.URL;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.StringJoiner;

/**
 * HttpURLConnection and Integer.parseInt, as Java programs call the pages.
 * Arguments: phase, way, address, account, password, text. Prints what it saw as JSON.
 */
public class Peer {
    private final boolean post;
    private final String url;

    private Peer(String way, String url) {
        this.post = way.equals("post");
        this.url = url;
    }

    public static void main(String[] words) throws Exception {
        Peer peer = new Peer(words[1], words[2]);
        Map<String, String> saw =
                words[0].equals("send") ? peer.send(words[3], words[4], words[5]) : peer.fetch(words[3], words[4]);
        StringJoiner json = new StringJoiner(",", "{", "}");
        saw.forEach((name, value) -> json.add(quoted(name) + ":" + quoted(value)));
        new PrintStream(System.out, true, "UTF-8").println(json);
    }

    private Map<String, String> send(String corpId, String password, String text) throws Exception {
        byte[] digest = MessageDigest.getInstance("MD5").digest(password.getBytes(StandardCharsets.UTF_8));
        String md5 = String.format("%032x", new BigInteger(1, digest));
        String[] rest = {"Mobile", "13800000000", "Content", text, "SendTime", "", "Cell", ""};
        Map<String, String> saw = new LinkedHashMap<>();
        String[] first = {"Mobile", "13800000000", "Content", text, "Cell", "12"};
        saw.put("batch_send2", number("BatchSend2", corpId, password, first));
        saw.put("send", number("Send", corpId, password, rest));
        saw.put("sel_sum", number("SelSum", corpId, password));
        saw.put("sel_sum_again", number("SelSum", corpId, password));
        saw.put("unsigned", number("BatchSend2", corpId, password, "Mobile", "13800000000", "Content", "hello"));
        saw.put("intl_send", number("IntlSend", corpId, md5, "Mobile", "13800000000,13900000000", "Content", text));
        saw.put("empty", number("IntlSend", corpId, md5, "Mobile", "13800000000", "Content", ""));
        saw.put("balance", number("GetBalance", corpId, md5));
        saw.put("nothing", ask("NotSend", corpId, password));
        if (Integer.parseInt(saw.get("batch_send2")) <= 0) {
            throw new IllegalStateException("BatchSend2 is not above 0");
        }
        return saw;
    }

    private Map<String, String> fetch(String corpId, String password) throws IOException {
        Map<String, String> saw = new LinkedHashMap<>();
        saw.put("replies", ask("Get", corpId, password));
        saw.put("replies_again", number("Get", corpId, password));
        saw.put("reports", ask("GetReportSMS", corpId, password));
        saw.put("reports_again", ask("GetReportSMS", corpId, password));
        return saw;
    }

    /** An answer that must be a number and nothing else. */
    private String number(String operation, String corpId, String password, String... rest) throws IOException {
        String answer = ask(operation, corpId, password, rest);
        if (!Integer.toString(Integer.parseInt(answer)).equals(answer)) {
            throw new IllegalStateException(operation + " answered " + answer);
        }
        return answer;
    }

    private String ask(String operation, String corpId, String password, String... rest) throws IOException {
        StringJoiner query = new StringJoiner("&");
        query.add("CorpID=" + encode(corpId)).add("Pwd=" + encode(password));
        for (int i = 0; i < rest.length; i += 2) {
            query.add(rest[i] + "=" + encode(rest[i + 1]));
        }
        URL page = new URL(url + operation + ".aspx" + (post ? "" : "?" + query));
        HttpURLConnection connection = (HttpURLConnection) page.openConnection();
        if (post) {
            connection.setRequestMethod("POST");
            connection.setDoOutput(true);
            try (OutputStream body = connection.getOutputStream()) {
                body.write(query.toString().getBytes(StandardCharsets.US_ASCII));
            }
        }
        if (connection.getResponseCode() != 200) {
            throw new IOException(operation + " answered HTTP " + connection.getResponseCode());
        }
        return new String(connection.getInputStream().readAllBytes(), "GB2312");
    }

    private static String quoted(String value) {
        return "\"" + value.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    }

    private static String encode(String value) throws IOException {
        return URLEncoder.encode(value, "GB2312");
    }
}
