// A plugin of Swagger UI: its filter finds calls and not only services, and it shows a long
// response without colors, since coloring one of some megabytes blocks the page for a minute.
({ React }) => ({
    fn: {
        opsFilter: (services, words) => {
            const wanted = words.toLowerCase();
            const matches = (call) =>
                [call.get("path"), call.get("method"), call.getIn(["operation", "operationId"]),
                    call.getIn(["operation", "summary"])].join(" ").toLowerCase().includes(wanted);
            return services
                .map((service, name) => name.toLowerCase().includes(wanted)
                    ? service
                    : service.update("operations", (calls) => calls.filter(matches)))
                .filter((service) => service.get("operations").size > 0);
        },
    },
    wrapComponents: {
        SyntaxHighlighter: (Original, { getComponent }) => (props) => {
            if (String(props.children).length <= 20000) {
                return React.createElement(Original, props);
            }
            const PlainTextViewer = getComponent("PlainTextViewer", true);
            return props.renderPlainText
                ? props.renderPlainText({ children: props.children, PlainTextViewer })
                : React.createElement(PlainTextViewer, null, props.children);
        },
    },
})
